#!/bin/sh
# about: the way the text goes
# answer: who list
set -e
kubectl scale deployment web --replicas=3
kubectl rollout status deployment/web --timeout=60s
kubectl wait --for=jsonpath='{.endpoints[2].conditions.ready}'=true endpointslices -l kubernetes.io/service-name=web --timeout=60s
kubectl exec deployment/web -- curl -s -X POST localhost:8080/readyz/off
kubectl wait --for=jsonpath='{.status.readyReplicas}'=2 deployment/web --timeout=60s
kubectl set selector service shop app=web
sed -i s/ADDRESS/172.30.0.11/ ledger.yaml
kubectl apply -f ledger.yaml
