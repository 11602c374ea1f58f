#!/bin/sh
# about: more pods are taken for a new version, and the ReplicaSet for a judge of its pods
# fails: counts: The template is a stencil for new pods
# fails: moved: A second ReplicaSet appears when the pods are to look different
# answer: counts soon
set -e
kubectl delete rs -l app=shop
kubectl wait --for=create rs -l app=shop --timeout=60s
kubectl rollout status deployment/shop --timeout=60s
pod=$(kubectl get pods -l app=shop --field-selector=status.phase=Running -o name | head -n 1)
kubectl set image "$pod" web=drydock/web:2
kubectl wait --for=jsonpath='{.status.containerStatuses[0].restartCount}'=1 "$pod" --timeout=60s
kubectl scale deployment shop --replicas=3
kubectl rollout status deployment/shop --timeout=60s
