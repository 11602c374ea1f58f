#!/bin/sh
# about: the way the text goes, with sed in the place of vi
# answer: status init
# answer: order sidecar
set -e
sed -i 's|^  containers:|  initContainers:\n  - name: greet\n    image: drydock/base:1\n    command: [sh, -c, "echo hello > /work/greeting"]\n    volumeMounts: [{name: work, mountPath: /work}]\n&|' app.yaml
kubectl apply -f app.yaml
sed -i 's|^  - name: shipper.*|  initContainers:\n&\n    restartPolicy: Always|' batch.yaml
kubectl apply -f batch.yaml
kubectl wait --for=condition=Ready pod/app --timeout=60s
kubectl wait --for=jsonpath='{.status.phase}'=Succeeded pod/batch --timeout=60s
