#!/bin/sh
# about: the broken version is given more pods instead of being taken back; and a pod that fails is thought to be replaced by itself
# fails: undone: Nobody takes a bad version back for you
set -e
kubectl set image deployment/shop web=drydock/web:2
kubectl rollout status deployment/shop --timeout=60s
kubectl set image deployment/shop web=drydock/web:9
kubectl wait --for=jsonpath='{.status.unavailableReplicas}'=1 deployment/shop --timeout=60s
kubectl delete pods -l app=shop --field-selector=status.phase=Pending --now
