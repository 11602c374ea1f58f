#!/bin/sh
# about: the process is ended by hand, and the restart taken for the probe's work; the shop is never busy
# fails: restarted: What counts here is that the kubelet finds out by itself
# fails: out: A pod that says no for a while steps out of the line
# answer: which readiness
set -e
sed -i 's|^    image:.*|    image: drydock/web:1\n    livenessProbe: {httpGet: {path: /healthz, port: 8080}, periodSeconds: 10, initialDelaySeconds: 60}|' web.yaml
sed -i 's|^    image:.*|    image: drydock/web:1\n    readinessProbe: {httpGet: {path: /readyz, port: 8080}, periodSeconds: 1}|' shop.yaml
kubectl apply -f web.yaml -f shop.yaml
kubectl wait --for=condition=Ready pod/web pod/shop --timeout=60s
kubectl exec web -- kill 1 || true # what ends a container may end this program, too
kubectl wait --for=jsonpath='{.status.containerStatuses[0].restartCount}'=1 pod/web --timeout=60s
kubectl wait --for=condition=Ready pod/web --timeout=60s
