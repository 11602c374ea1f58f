#!/bin/sh
# about: the status is patched through the usual door; and trying is taken for working
# fails: painted: The two halves are two doors
# fails: sick: Created is not running
# fails: counts: Only because it counts nothing but wishes
# answer: sick progressing
# answer: counts up
set -e
kubectl patch deployment web -p 'status: {readyReplicas: 2}'
kubectl set image deployment/web web=drydock/web:1
kubectl rollout status deployment/web --timeout=60s
