#!/bin/sh
# about: the description is handed in with an order to create; and apply is thought to take away what it does not know
# fails: stated: What was made by an order has no description
# answer: left removes
set -e
kubectl create deployment web --image=drydock/web:1 --replicas=2
sed -i -e 's/replicas: 2/replicas: 3/' -e '/env:/d' -e '/GREETING/d' shop.yaml
kubectl create -f shop.yaml
kubectl rollout status deployment/shop deployment/web --timeout=60s
