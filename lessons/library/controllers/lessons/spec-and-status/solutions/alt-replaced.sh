#!/bin/sh
# about: another patch, another lie; then the Deployment is deleted and made anew from a description
# answer: sick available
# answer: counts same
set -e
kubectl patch deployment web --subresource=status --type=json --patch '[{"op":"add","path":"/status/readyReplicas","value":1}]'
kubectl wait --for=jsonpath='{.status.unavailableReplicas}'=2 deployment/web --timeout=60s
kubectl delete deployment web
kubectl apply -f - <<MANIFEST
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {tier: web}}
  template:
    metadata: {labels: {tier: web}}
    spec:
      containers: [{name: server, image: "drydock/base:1", command: [sleep, infinity]}]
MANIFEST
kubectl rollout status deployment/web --timeout=60s
