#!/bin/sh
# about: keeper is given room by asking for four; a stranger needs a label of its own to be safe; and who comes last goes
# fails: who: the one that was ready last goes first
# fails: stray: What answers to its selector and has no owner is its own
# fails: keeper: The ReplicaSet has an order
# answer: who returned
set -e
kubectl label "$(kubectl get pods -o name | head -n 1)" app-
kubectl wait --for=jsonpath='{.status.readyReplicas}'=3 rs/web --timeout=60s
kubectl label "$(kubectl get pods -l '!app' -o name)" app=web
kubectl wait --for=jsonpath='{.status.replicas}'=3 rs/web --timeout=60s
kubectl run stray --image=drydock/web:1 --labels=app=stray
kubectl scale rs web --replicas=4
kubectl run keeper --image=drydock/web:1 --labels=app=web
kubectl wait --for=jsonpath='{.status.readyReplicas}'=4 rs/web --timeout=60s
