#!/bin/sh
# about: the shipper becomes an init container without a restart policy; the program waits for its end, for ever
# fails: ended: A helper that never ends must be neither
# fails: status: Whoever sees this status knows where to look
# answer: status running
set -e
sed -i 's|^  containers:|  initContainers:\n  - name: greet\n    image: drydock/base:1\n    command: [touch, /work/greeting]\n    volumeMounts: [{name: work, mountPath: /work}]\n&|' app.yaml
kubectl apply -f app.yaml
sed -i 's|^  - name: shipper.*|  initContainers:\n&|' batch.yaml
kubectl apply -f batch.yaml
kubectl wait --for=condition=Ready pod/app --timeout=60s
kubectl wait --for=jsonpath='{.status.initContainerStatuses[0].state.running}' pod/batch --timeout=60s
