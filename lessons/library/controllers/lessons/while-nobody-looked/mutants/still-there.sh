#!/bin/sh
# about: another part is stopped, in the belief that it makes pods; the controllers see everything
# fails: stopped: Send them away first
set -e
drydock component stop scheduler
kubectl delete "$(kubectl get pods -o name | head -n 1)" --wait=false
kubectl scale deployment shop --replicas=5
kubectl wait --for=jsonpath='{.spec.replicas}'=5 rs -l app=shop --timeout=60s
kubectl scale deployment shop --replicas=3
drydock component start scheduler
kubectl rollout status deployment/shop --timeout=60s
