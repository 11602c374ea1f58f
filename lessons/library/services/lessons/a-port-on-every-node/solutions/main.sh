#!/bin/sh
# about: the way the text goes
# answer: every on
# answer: dropped silence
set -e
kubectl patch service web -p '{"spec":{"type":"NodePort","ports":[{"port":80,"nodePort":30080}]}}'
kubectl patch service web -p '{"spec":{"externalTrafficPolicy":"Local"}}'
kubectl scale deployment web --replicas=2
kubectl rollout status deployment/web --timeout=60s
