#!/bin/sh
# about: a liveness probe where readiness is meant: a busy shop is restarted
# fails: shop: should be left in peace, not restarted
set -e
sed -i 's|^    image:.*|    image: drydock/web:1\n    livenessProbe: {httpGet: {path: /healthz, port: 8080}, periodSeconds: 1, failureThreshold: 3}|' web.yaml
sed -i 's|^    image:.*|    image: drydock/web:1\n    livenessProbe: {httpGet: {path: /readyz, port: 8080}, periodSeconds: 1, failureThreshold: 3}|' shop.yaml
kubectl apply -f web.yaml -f shop.yaml
kubectl wait --for=condition=Ready pod/web pod/shop --timeout=60s
kubectl exec web -- curl -s -X POST localhost:8080/healthz/off
kubectl exec shop -- curl -s -X POST localhost:8080/readyz/off
until [ "$(kubectl get pod web -o jsonpath='{.status.containerStatuses[0].restartCount}')" -gt 0 ]; do sleep 0.2; done
kubectl wait --for=condition=Ready pod/web --timeout=60s
