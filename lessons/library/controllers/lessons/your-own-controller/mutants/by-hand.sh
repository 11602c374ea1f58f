#!/bin/sh
# about: three pods are made once, as a script does it, and nobody looks again; a deletion that nobody saw is thought to be lost
# fails: healed: A loop that ends when all is well is no controller
# fails: who: A controller does not need to have seen what happened
# answer: who missed
set -e
for i in 1 2 3; do kubectl run "loop-$i" --image=drydock/web:1 --labels=keeper=loop; done
kubectl wait --for=condition=Ready pod -l keeper=loop --timeout=60s
kubectl delete pod loop-1 --now
kubectl apply -f web-rs.yaml
kubectl wait --for=jsonpath='{.status.readyReplicas}'=3 rs/web --timeout=60s
kubectl delete "$(kubectl get pods -l app=web -o name | head -n 1)"
kubectl wait --for=jsonpath='{.status.readyReplicas}'=3 rs/web --timeout=60s
