#!/bin/sh
# about: the way the text goes
# answer: where node
# answer: third half
set -e
drydock net trace visitor shop:80
drydock component stop proxy@node-1
kubectl delete pod -l app=shop
kubectl rollout status deployment/shop --timeout=60s
# What nobody told the kernel is tried while nobody does; give that a moment.
sleep 5
drydock component start proxy@node-1
