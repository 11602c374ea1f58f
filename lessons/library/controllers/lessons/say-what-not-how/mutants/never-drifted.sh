#!/bin/sh
# about: applied and applied again, but nothing ever differed; and the note is thought to be taken away
# fails: healed: Scale by hand first
# fails: left: Many parties write into one object
# answer: left removes
set -e
kubectl create deployment web --image=drydock/web:1 --replicas=2
sed -i -e 's/replicas: 2/replicas: 3/' -e '/env:/d' -e '/GREETING/d' shop.yaml
kubectl apply -f shop.yaml
kubectl rollout status deployment/shop deployment/web --timeout=60s
kubectl apply -f shop.yaml
