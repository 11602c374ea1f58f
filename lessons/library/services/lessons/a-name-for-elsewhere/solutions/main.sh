#!/bin/sh
# about: the way the text goes
# answer: what name
# answer: host ours
set -e
kubectl create service externalname payments --external-name=pay.partner.svc.cluster.local
kubectl patch service payments -p '{"spec":{"ports":[{"port":8080}],"selector":{"app":"our-pay"},"externalName":null,"type":"ClusterIP"}}'
