#!/bin/sh
# about: pods by name, patches instead of label and annotate, a manifest with the namespace in it
# answer: comma and
# answer: separates names
set -e
for pod in cart-2 pay-2; do kubectl patch pod "$pod" --patch '{"metadata":{"labels":{"watch":"yes"}}}'; done
kubectl patch pod cart-1 --patch '{"metadata":{"annotations":{"contact":"team cart, room 7"}}}'
kubectl create namespace team-b
# A new namespace has no service account for a moment, and no pod before it has.
while ! kubectl get serviceaccount default -n team-b; do sleep 0.2; done
kubectl create -f - <<MANIFEST
apiVersion: v1
kind: Pod
metadata: {name: cart-1, namespace: team-b}
spec:
  containers:
  - {name: cart, image: "drydock/base:1", command: [sleep, infinity]}
MANIFEST
kubectl wait -n team-b --for=condition=Ready pod/cart-1 --timeout=60s
