#!/bin/sh
# about: another value instead of none; the others are made cheap instead of keeper dear; keeper is made from a manifest
# answer: who youngest
set -e
pod=$(kubectl get pods -o name | tail -n 1)
kubectl label "$pod" app=examined --overwrite
kubectl wait --for=jsonpath='{.status.readyReplicas}'=3 rs/web --timeout=60s
kubectl patch "$pod" --patch '{"metadata":{"labels":{"app":"web"}}}'
kubectl wait --for=jsonpath='{.status.replicas}'=3 rs/web --timeout=60s
kubectl annotate pods -l app=web controller.kubernetes.io/pod-deletion-cost=-5
kubectl run keeper --image=drydock/web:1 --labels=app=keeper
kubectl wait --for=condition=Ready pod/keeper --timeout=60s
kubectl label pod keeper app=web --overwrite
kubectl wait --for=jsonpath='{.metadata.ownerReferences[0].name}'=web pod/keeper --timeout=60s
kubectl create -f - <<MANIFEST
apiVersion: v1
kind: Pod
metadata: {name: stray, labels: {app: web}}
spec: {containers: [{name: idle, image: "drydock/base:1", command: [sleep, infinity]}]}
MANIFEST
kubectl wait --for=delete pod/stray --timeout=60s
