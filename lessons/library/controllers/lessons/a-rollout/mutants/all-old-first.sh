#!/bin/sh
# about: the old pods are ended to make room for the new ones
# fails: rolled: The new pods come first
set -e
kubectl patch deployment shop --patch '{"spec":{"strategy":{"type":"Recreate","rollingUpdate":null}}}'
kubectl set image deployment/shop web=drydock/web:2
kubectl rollout status deployment/shop --timeout=60s
