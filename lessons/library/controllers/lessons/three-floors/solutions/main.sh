#!/bin/sh
# about: the way the text goes
# answer: counts count
# answer: which template
set -e
kubectl delete rs -l app=shop
kubectl wait --for=create rs -l app=shop --timeout=60s
kubectl rollout status deployment/shop --timeout=60s
pod=$(kubectl get pods -l app=shop --field-selector=status.phase=Running -o name | head -n 1)
kubectl set image "$pod" web=drydock/web:2
kubectl wait --for=jsonpath='{.status.containerStatuses[0].restartCount}'=1 "$pod" --timeout=60s
kubectl wait --for=condition=Ready "$pod" --timeout=60s
kubectl scale deployment shop --replicas=3
kubectl set env deployment/shop GREETING=hello
kubectl rollout status deployment/shop --timeout=60s
