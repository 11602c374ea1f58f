#!/bin/sh
# about: a version that works is taken back at once, to see what undo does; nothing ever stood still
# fails: broken: only when a version fails
set -e
kubectl set image deployment/shop web=drydock/web:2
kubectl rollout status deployment/shop --timeout=60s
kubectl rollout undo deployment/shop
kubectl rollout status deployment/shop --timeout=60s
