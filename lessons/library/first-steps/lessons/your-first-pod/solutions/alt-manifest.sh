#!/bin/sh
# about: a manifest instead of kubectl run, with another container name and a forced deletion
# answer: port 8,080
# answer: why nobody
set -e
kubectl apply -f - <<MANIFEST
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
  - name: server
    image: drydock/web:1
MANIFEST
kubectl wait --for=condition=Ready pod/web --timeout=60s
kubectl exec web -- sh -c 'ls / > /tmp/note'
sleep 3
kubectl delete pod web --now
