#!/bin/sh
# about: the program is restarted where the pod should go, and a Service is thought to know cookies
# fails: who: A Service sees packets
# fails: moved: Only when the pod itself is gone
# answer: who cookie
set -e
kubectl patch service cart -p '{"spec":{"sessionAffinity":"ClientIP"}}'
mine=$(kubectl exec office -c ann -- wget -qO- http://cart/hostname)
kubectl exec office -c ann -- sh -c "echo $mine > /tmp/mine"
kubectl exec "$mine" -- kill 1 || true # what ends a container may end this program, too
sleep 1
kubectl rollout status deployment/cart --timeout=60s
