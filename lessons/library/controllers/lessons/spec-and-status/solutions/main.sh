#!/bin/sh
# about: the way the text goes
# answer: sick available
# answer: counts same
set -e
kubectl patch deployment web --subresource=status -p 'status: {readyReplicas: 2}'
kubectl set image deployment/web web=drydock/web:1
kubectl wait --for=condition=Available deployment/web --timeout=60s
kubectl rollout status deployment/web --timeout=60s
