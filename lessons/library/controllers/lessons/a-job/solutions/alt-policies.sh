#!/bin/sh
# about: a failure policy in the place of a limit, Jobs begun suspended, the last one made by one command
# answer: how-many 7
set -e
kubectl create -f - <<MANIFEST
apiVersion: batch/v1
kind: Job
metadata: {name: hello}
spec:
  template:
    spec:
      restartPolicy: OnFailure
      containers: [{name: hello, image: "drydock/web:1", command: [hostname]}]
---
apiVersion: batch/v1
kind: Job
metadata: {name: parcels}
spec:
  suspend: true
  completions: 4
  parallelism: 2
  completionMode: Indexed
  template:
    spec:
      restartPolicy: OnFailure
      containers: [{name: pack, image: "drydock/base:1", command: ['true']}]
---
apiVersion: batch/v1
kind: Job
metadata: {name: bills}
spec:
  podFailurePolicy:
    rules:
    - action: FailJob
      onExitCodes: {operator: NotIn, values: [0]}
  template:
    spec:
      restartPolicy: Never
      containers: [{name: print, image: "drydock/base:1", command: [sh, -c, "exit 7"]}]
MANIFEST
kubectl patch job parcels --patch '{"spec":{"suspend":false}}'
kubectl wait --for=condition=Failed job/bills --timeout=60s
kubectl delete job bills
kubectl create job bills --image=drydock/base:1 -- true
kubectl wait --for=condition=Complete job/hello job/parcels job/bills --timeout=60s
