#!/bin/sh
# about: the way the text goes, with sed in the place of vi
# answer: left keeps
set -e
kubectl create deployment web --image=drydock/web:1
kubectl scale deployment web --replicas=2
kubectl apply -f shop.yaml
sed -i -e 's/replicas: 2/replicas: 3/' -e '/env:/d' -e '/GREETING/d' shop.yaml
kubectl apply -f shop.yaml
kubectl rollout status deployment/shop --timeout=60s
kubectl scale deployment shop --replicas=1
kubectl annotate deployment shop note=by-hand
kubectl apply -f shop.yaml
kubectl rollout status deployment/shop deployment/web --timeout=60s
