#!/bin/sh
# about: a volume in memory, another order of containers, another path that ends in the same place
# answer: caller loopback
# answer: lives pod
set -e
kubectl create -f pair.yaml
kubectl create -f - <<MANIFEST
apiVersion: v1
kind: Pod
metadata: {name: notes}
spec:
  volumes:
  - {name: common, emptyDir: {medium: Memory}}
  containers:
  - name: writer
    image: drydock/base:1
    command: [sh, -c, "while sleep 1; do echo line >> /notes/log; done"]
    volumeMounts: [{name: common, mountPath: /notes/}]
  - name: reader
    image: drydock/base:1
    command: [sleep, infinity]
    volumeMounts: [{name: common, mountPath: /notes/, readOnly: true}]
MANIFEST
kubectl wait --for=condition=Ready pod/pair pod/notes --timeout=60s
