#!/bin/sh
# about: the way the text goes, with sed in the place of vi
# answer: caller loopback
# answer: lives pod
set -e
kubectl apply -f pair.yaml
kubectl wait --for=condition=Ready pod/pair --timeout=60s
sed -i 's|image: drydock/base:1|&\n    volumeMounts: [{name: notes, mountPath: /notes}]|; s|^  containers:|  volumes: [{name: notes, emptyDir: {}}]\n&|' notes.yaml
kubectl apply -f notes.yaml
kubectl wait --for=condition=Ready pod/notes --timeout=60s
