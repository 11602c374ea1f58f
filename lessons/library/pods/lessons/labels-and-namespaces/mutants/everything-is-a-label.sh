#!/bin/sh
# about: every pod is labelled, and the note is squeezed into a label
# fails: watched: A label that is on everything selects nothing
# fails: noted: Nobody selects by a note
# fails: comma: Services, ReplicaSets and policies all pick pods in this way
# answer: comma either
# answer: separates names
set -e
kubectl label pods --all watch=yes
kubectl label pod cart-1 contact=team-cart-room-7
kubectl create namespace team-b
while ! kubectl get serviceaccount default -n team-b; do sleep 0.2; done
kubectl run cart-1 -n team-b --image=drydock/web:1
kubectl wait -n team-b --for=condition=Ready pod/cart-1 --timeout=60s
