#!/bin/sh
# about: the way the text goes, with sed in the place of vi
# answer: which readiness
set -e
sed -i 's|^    image:.*|    image: drydock/web:1\n    livenessProbe: {httpGet: {path: /healthz, port: 8080}, periodSeconds: 1, failureThreshold: 3}|' web.yaml
sed -i 's|^    image:.*|    image: drydock/web:1\n    readinessProbe: {httpGet: {path: /readyz, port: 8080}, periodSeconds: 1, failureThreshold: 1}|' shop.yaml
kubectl apply -f web.yaml -f shop.yaml
kubectl wait --for=condition=Ready pod/web pod/shop --timeout=60s
kubectl exec web -- curl -s -X POST localhost:8080/healthz/off
kubectl exec shop -- curl -s -X POST localhost:8080/readyz/off
kubectl wait --for=condition=Ready=false pod/shop --timeout=60s
kubectl exec shop -- curl -s -X POST localhost:8080/readyz/on
