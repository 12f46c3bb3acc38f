@univariate true
@missing true
@classLabel false
% c
# c
@data
1,2,3
