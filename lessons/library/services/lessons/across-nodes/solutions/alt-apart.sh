#!/bin/sh
# about: not the node is named, but whom to stay away from
# answer: seen own
# answer: via  172.30.0.12
# answer: outside node
# answer: mtu 1450
set -e
kubectl create -f - <<MANIFEST
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec:
  terminationGracePeriodSeconds: 0
  affinity:
    podAntiAffinity:
      requiredDuringSchedulingIgnoredDuringExecution:
      - {labelSelector: {matchLabels: {app: visitor}}, topologyKey: kubernetes.io/hostname}
  containers: [{name: web, image: "drydock/web:1"}]
MANIFEST
kubectl wait --for=condition=Ready pod/web --timeout=60s
