#!/bin/sh
# about: a pod is deleted to take it off the list
# fails: aside: A pod that is gone is off every list
set -e
kubectl scale deployment web --replicas=3
kubectl rollout status deployment/web --timeout=60s
kubectl wait --for=jsonpath='{.endpoints[2].conditions.ready}'=true endpointslices -l kubernetes.io/service-name=web --timeout=60s
pod=$(kubectl get pods -l app=web -o jsonpath='{.items[0].metadata.name}')
kubectl delete pod "$pod" --now
kubectl rollout status deployment/web --timeout=60s
kubectl set selector service shop app=web
sed -i s/ADDRESS/172.30.0.11/ ledger.yaml
kubectl apply -f ledger.yaml
