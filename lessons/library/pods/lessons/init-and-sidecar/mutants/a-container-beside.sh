#!/bin/sh
# about: the greeting is written by a container beside the program, and the shipper stays beside the work
# fails: prepared: Only what runs before it can see to that
# fails: ended: A pod is waited for as long as one ordinary container runs
set -e
kubectl apply -f - <<MANIFEST
apiVersion: v1
kind: Pod
metadata: {name: app}
spec:
  volumes: [{name: work, emptyDir: {}}]
  containers:
  - name: greet
    image: drydock/base:1
    command: [sh, -c, "echo hello > /work/greeting; sleep infinity"]
    volumeMounts: [{name: work, mountPath: /work}]
  - name: app
    image: drydock/base:1
    command: [sh, -c, "cat /work/greeting && sleep infinity"]
    volumeMounts: [{name: work, mountPath: /work}]
MANIFEST
kubectl apply -f batch.yaml
kubectl wait --for=jsonpath='{.status.containerStatuses[?(@.name=="work")].state.terminated.exitCode}'=0 pod/batch --timeout=60s
