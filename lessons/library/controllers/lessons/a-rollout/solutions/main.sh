#!/bin/sh
# about: the way the text goes
# answer: number four
set -e
kubectl set image deployment/shop web=drydock/web:2
kubectl rollout status deployment/shop --timeout=60s
kubectl set image deployment/shop web=drydock/web:9
kubectl wait --for=jsonpath='{.status.unavailableReplicas}'=1 deployment/shop --timeout=60s
kubectl rollout undo deployment/shop
kubectl rollout status deployment/shop --timeout=60s
kubectl rollout pause deployment/shop
kubectl set image deployment/shop web=drydock/web:1
kubectl set env deployment/shop GREETING=hello
kubectl wait --for=jsonpath='{.status.observedGeneration}'="$(kubectl get deployment shop -o jsonpath='{.metadata.generation}')" deployment/shop --timeout=60s
kubectl rollout resume deployment/shop
kubectl rollout status deployment/shop --timeout=60s
