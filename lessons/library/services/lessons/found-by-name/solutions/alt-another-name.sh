#!/bin/sh
# about: the till stays as it is and gets an alias beside it; a bare pod stands behind archive
# answer: tries 2.0
# answer: refused right
set -e
kubectl create service externalname stock --external-name=stock.warehouse.svc.cluster.local
kubectl create -f - <<MANIFEST
apiVersion: v1
kind: Pod
metadata: {name: reader, namespace: warehouse, labels: {app: archive}}
spec:
  containers:
  - {name: reader, image: "drydock/web:2", ports: [{containerPort: 8080}]}
MANIFEST
kubectl wait --for=condition=Ready pod -l app=till --timeout=60s
