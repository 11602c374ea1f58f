#!/bin/sh
# about: the image is changed at the top, so every pod gets it; a larger number is thought to make a new ReplicaSet
# fails: odd: Here one pod alone is to be odd
# fails: which: Another template, another number
# answer: which replicas
set -e
kubectl delete rs -l app=shop
kubectl wait --for=create rs -l app=shop --timeout=60s
kubectl set image deployment/shop web=drydock/web:2
kubectl scale deployment shop --replicas=3
kubectl rollout status deployment/shop --timeout=60s
