#!/bin/sh
# about: a volume for each container; and localhost is taken for the container's own
# fails: caller: The containers of a pod share one network
# fails: shared: Each container has files of its own
# answer: caller own
set -e
kubectl apply -f pair.yaml
kubectl apply -f - <<MANIFEST
apiVersion: v1
kind: Pod
metadata: {name: notes}
spec:
  volumes:
  - {name: one, emptyDir: {}}
  - {name: two, emptyDir: {}}
  containers:
  - name: reader
    image: drydock/base:1
    command: [sleep, infinity]
    volumeMounts: [{name: one, mountPath: /notes}]
  - name: writer
    image: drydock/base:1
    command: [sh, -c, "while true; do date >> /notes/log; sleep 1; done"]
    volumeMounts: [{name: two, mountPath: /notes}]
MANIFEST
kubectl wait --for=condition=Ready pod/pair pod/notes --timeout=60s
