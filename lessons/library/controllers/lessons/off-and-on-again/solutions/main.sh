#!/bin/sh
# about: the way the text goes
# answer: who youngest
set -e
kubectl label "$(kubectl get pods -o name | head -n 1)" app-
kubectl wait --for=jsonpath='{.status.readyReplicas}'=3 rs/web --timeout=60s
kubectl label "$(kubectl get pods -l '!app' -o name)" app=web
kubectl wait --for=jsonpath='{.status.replicas}'=3 rs/web --timeout=60s
kubectl run stray --image=drydock/web:1 --labels=app=web
kubectl wait --for=delete pod/stray --timeout=60s
kubectl run keeper --image=drydock/web:1
kubectl wait --for=condition=Ready pod/keeper --timeout=60s
kubectl annotate pod keeper controller.kubernetes.io/pod-deletion-cost=100
kubectl label pod keeper app=web
