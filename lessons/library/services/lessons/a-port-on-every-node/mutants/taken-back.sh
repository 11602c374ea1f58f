#!/bin/sh
# about: one node is silent with Local, so it is taken back; a node is thought to serve its own pods only, and to refuse
# fails: both: A node that keeps the sender serves only from its own pods
# fails: every: The rule for the port is on each node
# fails: dropped: Packets that must not be sent on and have no pod here are dropped
# answer: every tell
# answer: dropped refused
set -e
kubectl patch service web -p '{"spec":{"type":"NodePort","ports":[{"port":80,"nodePort":30080}]}}'
kubectl patch service web -p '{"spec":{"externalTrafficPolicy":"Local"}}'
sleep 8 # until somebody has seen who is there: silence takes its time
kubectl patch service web -p '{"spec":{"externalTrafficPolicy":"Cluster"}}'
kubectl scale deployment web --replicas=2
kubectl rollout status deployment/web --timeout=60s
