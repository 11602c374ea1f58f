#!/bin/sh
# about: limits alone, which stand for the requests; other images and units
# answer: lacks memory
set -e
kubectl apply -f big.yaml
while [ -z "$(kubectl get events --field-selector=reason=FailedScheduling -o name)" ]; do sleep 0.2; done
kubectl replace --force -f - <<MANIFEST
apiVersion: v1
kind: Pod
metadata: {name: big}
spec:
  containers:
  - {name: web, image: "drydock/web:2", resources: {limits: {memory: 100M}}}
MANIFEST
kubectl create -f - <<MANIFEST
apiVersion: v1
kind: Pod
metadata: {name: steady}
spec:
  containers:
  - {name: one, image: "drydock/web:1", resources: {limits: {cpu: "0.1", memory: 64Mi}}}
  - {name: two, image: "drydock/base:1", command: [sleep, infinity], resources: {limits: {cpu: 50m, memory: 32Mi}}}
MANIFEST
kubectl run modest --image=drydock/base:1 -- sleep infinity
kubectl wait --for=condition=Ready pod/modest pod/steady pod/big --timeout=60s
