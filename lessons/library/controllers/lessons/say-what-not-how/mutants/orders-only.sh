#!/bin/sh
# about: applied once, and changed by orders from then on: the file and the cluster disagree
# fails: ordered: A second order is needed
# fails: changed: What should last belongs into the file
set -e
kubectl create deployment web --image=drydock/web:1
kubectl apply -f shop.yaml
kubectl set env deployment/shop GREETING-
kubectl scale deployment shop --replicas=3
kubectl rollout status deployment/shop deployment/web --timeout=60s
