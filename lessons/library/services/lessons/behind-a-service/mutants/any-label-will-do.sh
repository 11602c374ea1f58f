#!/bin/sh
# about: the other label is taken out, because one that fits is thought to be enough; the ledger is sought at the Service's own port
# fails: shop: A pod must carry every label that the selector names
# fails: ledger: A Service without a selector has no controller that writes its list
# fails: who: A Service is not a program that tries pods out
# answer: who proxy
set -e
kubectl scale deployment web --replicas=3
kubectl rollout status deployment/web --timeout=60s
kubectl wait --for=jsonpath='{.endpoints[2].conditions.ready}'=true endpointslices -l kubernetes.io/service-name=web --timeout=60s
kubectl exec deployment/web -- curl -s -X POST localhost:8080/readyz/off
kubectl wait --for=jsonpath='{.status.readyReplicas}'=2 deployment/web --timeout=60s
kubectl set selector service shop tier=front
sed -i -e s/ADDRESS/172.30.0.11/ -e s/9000/80/ ledger.yaml
kubectl apply -f ledger.yaml
