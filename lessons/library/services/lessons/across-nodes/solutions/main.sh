#!/bin/sh
# about: the way the text goes
# answer: seen own
# answer: via 172.30.0.12
# answer: outside node
# answer: mtu 1450
set -e
sed -i 's/node-1/node-2/' web.yaml
kubectl apply -f web.yaml
kubectl wait --for=condition=Ready pod/web --timeout=60s
