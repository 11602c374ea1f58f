#!/bin/sh
# about: a small limit is set for modest in the belief that only requests count; big waits for a node that will not come
# fails: best-effort: One request or limit in one container is enough
# fails: lacks: The message of FailedScheduling counts the nodes
# fails: fits: Without a request the scheduler
# answer: lacks cpu
set -e
kubectl create -f - <<MANIFEST
apiVersion: v1
kind: Pod
metadata: {name: modest}
spec:
  containers:
  - {name: web, image: "drydock/web:1", resources: {limits: {memory: 64Mi}}}
MANIFEST
sed -i 's/50m/100m/; s/32Mi/64Mi/' steady.yaml
kubectl apply -f steady.yaml -f big.yaml
kubectl wait --for=condition=Ready pod/modest pod/steady --timeout=60s
while [ -z "$(kubectl get events --field-selector=reason=FailedScheduling -o name)" ]; do sleep 0.2; done
