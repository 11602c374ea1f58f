#!/bin/sh
# about: five seconds are written in milliseconds
# fails: forgets: Three hours is what it remembers when nobody says otherwise
# answer: who address
set -e
kubectl patch service cart -p '{"spec":{"sessionAffinity":"ClientIP"}}'
kubectl exec office -c ann -- sh -c 'wget -qO- http://cart/hostname > /tmp/mine'
kubectl delete pod "$(kubectl exec office -c ann -- cat /tmp/mine)"
kubectl rollout status deployment/cart --timeout=60s
kubectl patch service cart -p '{"spec":{"sessionAffinityConfig":{"clientIP":{"timeoutSeconds":5000}}}}'
