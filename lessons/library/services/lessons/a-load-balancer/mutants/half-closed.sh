#!/bin/sh
# about: the load balancer is taken away, and the port on the nodes is forgotten; a node's address is thought to be missing
# fails: closed: To close the doors, take away the layers in front
# fails: who: A type is only a wish
# fails: layers: Each type contains the one before it
# answer: who node
# answer: layers inside
set -e
kubectl patch service shop -p '{"spec":{"type":"ClusterIP"}}'
kubectl patch service shop -p '{"spec":{"type":"LoadBalancer"}}'
kubectl wait --for=jsonpath='{.status.loadBalancer.ingress[0].ip}'=172.30.0.200 service/shop --timeout=60s
sleep 2 # until somebody has come in
kubectl patch service shop -p '{"spec":{"type":"NodePort"}}'
