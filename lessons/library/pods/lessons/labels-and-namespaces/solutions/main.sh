#!/bin/sh
# about: the way the text goes
# answer: comma and
# answer: separates names
set -e
kubectl label pods -l track=canary watch=yes
kubectl annotate pod cart-1 contact='team cart, room 7'
kubectl create namespace team-b
while ! kubectl get serviceaccount default -n team-b; do sleep 0.2; done
kubectl run cart-1 -n team-b --image=drydock/web:1
kubectl wait -n team-b --for=condition=Ready pod/cart-1 --timeout=60s
