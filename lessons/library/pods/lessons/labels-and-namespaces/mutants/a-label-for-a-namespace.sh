#!/bin/sh
# about: the namespace is made, but the pod is made in default, under another name and with a label
# fails: twin: Without -n, kubectl works in the namespace default
# answer: comma and
set -e
kubectl label pods -l track=canary watch=yes
kubectl annotate pod cart-1 contact='team cart, room 7'
kubectl create namespace team-b
kubectl run cart-1-b --image=drydock/web:1 --labels=namespace=team-b
kubectl wait --for=condition=Ready pod/cart-1-b --timeout=60s
