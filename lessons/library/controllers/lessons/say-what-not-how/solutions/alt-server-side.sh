#!/bin/sh
# about: the API server keeps the books; another description, from standard input; the drift comes from a patch
# answer: left keeps
set -e
kubectl create deployment web --image=drydock/web:1 --replicas=2
wish() {
  kubectl apply --server-side --force-conflicts -f - <<MANIFEST
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop}
spec:
  replicas: $1
  selector: {matchLabels: {tier: shop}}
  template:
    metadata: {labels: {tier: shop}}
    spec:
      terminationGracePeriodSeconds: 0
      containers: [{name: server, image: "drydock/web:1"}]
MANIFEST
}
wish 1
wish 3
kubectl rollout status deployment/shop --timeout=60s
kubectl patch deployment shop --patch '{"spec":{"replicas":5}}'
wish 3
kubectl rollout status deployment/shop deployment/web --timeout=60s
