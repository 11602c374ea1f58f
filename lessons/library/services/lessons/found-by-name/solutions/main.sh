#!/bin/sh
# about: the way the text goes
# answer: tries 2
# answer: refused right
set -e
kubectl set env deployment/till STOCK=stock.warehouse
kubectl scale deployment archive -n warehouse --replicas=1
kubectl rollout status deployment/till --timeout=60s
