#!/bin/sh
# about: the way the text goes, with sed in the place of vi
# answer: lacks memory
set -e
kubectl run modest --image=drydock/web:1
sed -i 's/50m/100m/; s/32Mi/64Mi/' steady.yaml
kubectl apply -f steady.yaml -f big.yaml
kubectl wait --for=condition=PodScheduled=false pod/big --timeout=60s
while [ -z "$(kubectl get events --field-selector=reason=FailedScheduling -o name)" ]; do sleep 0.2; done
kubectl delete pod big
sed -i 's/4Ti/64Mi/' big.yaml
kubectl apply -f big.yaml
kubectl wait --for=condition=Ready pod/modest pod/steady pod/big --timeout=60s
