#!/bin/sh
# about: a manifest, a patch instead of scale, other labels
# answer: owner replicaset
set -e
kubectl apply -f - <<MANIFEST
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 2
  selector: {matchLabels: {tier: front}}
  template:
    metadata: {labels: {tier: front}}
    spec:
      containers:
      - {name: server, image: "drydock/web:1"}
MANIFEST
kubectl wait --for=jsonpath='{.status.readyReplicas}'=2 deployment/web --timeout=60s
kubectl patch deployment web --patch '{"spec":{"replicas":4}}'
kubectl wait --for=jsonpath='{.status.readyReplicas}'=4 deployment/web --timeout=60s
kubectl delete deployment/web
