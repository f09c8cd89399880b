using System.Reflection;

namespace Gantry.PowerShell.Help;

/// <summary>A parameter in one parameter set; the set is empty for all sets.</summary>
internal sealed record ParameterUse(string Set, bool Mandatory, int? Position, bool ByValue, bool ByPropertyName, bool Remaining);

/// <summary>A parameter as the assembly declares it.</summary>
internal sealed record ParameterModel(string Name, Type Type, string? Summary, IReadOnlyList<string> Aliases, bool Wildcards, IReadOnlyList<ParameterUse> Uses, IReadOnlyList<string> Values)
{
    public bool IsSwitch => Type.Name == "SwitchParameter";

    public ParameterUse? In(string set) => Uses.FirstOrDefault(u => u.Set == set) ?? Uses.FirstOrDefault(u => u.Set.Length == 0);

    public string TypeName => Display(Type);

    private static string Display(Type type) => Nullable.GetUnderlyingType(type) is { } inner ? Display(inner) : type.IsArray ? Display(type.GetElementType()!) + "[]" : type.Name;
}

/// <summary>A cmdlet as the assembly declares it: what Get-Help shows without anybody writing it.</summary>
internal sealed record CmdletModel(string Name, string? Summary, IReadOnlyList<string> Aliases, IReadOnlyList<string> Sets, IReadOnlyList<ParameterModel> Parameters, IReadOnlyList<string> Outputs)
{
    private const string Automation = "System.Management.Automation.";

    public string Verb => Name[..Name.IndexOf('-', StringComparison.Ordinal)];

    public string Noun => Name[(Name.IndexOf('-', StringComparison.Ordinal) + 1)..];

    /// <summary>Attributes are read as data: PowerShell's own assembly is there only by reference.</summary>
    public static IEnumerable<CmdletModel> Read(string module, IReadOnlyList<string> references, DocComments comments)
    {
        AppDomain.CurrentDomain.AssemblyResolve += (_, e) =>
            references.Append(Path.GetDirectoryName(Path.GetFullPath(module))!).Select(d => Path.Combine(d, new AssemblyName(e.Name).Name + ".dll")).Where(File.Exists).Select(Assembly.LoadFrom).FirstOrDefault();
        return Assembly.LoadFrom(Path.GetFullPath(module)).GetExportedTypes()
            .Where(t => !t.IsAbstract && Attributes(t, "CmdletAttribute").Any())
            .Select(t => Read(t, comments))
            .OrderBy(c => c.Name, StringComparer.Ordinal)
            .ToList();
    }

    private static CmdletModel Read(Type type, DocComments comments)
    {
        var cmdlet = Attributes(type, "CmdletAttribute").Single();
        string name = $"{cmdlet.ConstructorArguments[0].Value}-{cmdlet.ConstructorArguments[1].Value}";
        var parameters = type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Where(p => Attributes(p, "ParameterAttribute").Any())
            .Select(p => ReadParameter(p, comments)).ToList();
        if (Named<bool>(cmdlet, "SupportsShouldProcess")) parameters.AddRange(ShouldProcessParameters());
        var sets = parameters.SelectMany(p => p.Uses).Select(u => u.Set).Where(s => s.Length > 0).Distinct(StringComparer.Ordinal).ToList();
        string? first = Named<string>(cmdlet, "DefaultParameterSetName");
        if (first is not null && sets.Remove(first)) sets.Insert(0, first);
        var outputs = Attributes(type, "OutputTypeAttribute").SelectMany(a => Flatten(a.ConstructorArguments)).Select(v => v is Type t ? t.FullName! : $"{v}").Where(o => o != "System.Void").Distinct(StringComparer.Ordinal);
        return new CmdletModel(name, comments.OfType(type), ReadAliases(type), sets.Count == 0 ? [""] : sets, parameters, [.. outputs]);
    }

    private static ParameterModel ReadParameter(PropertyInfo property, DocComments comments)
    {
        var uses = Attributes(property, "ParameterAttribute").Select(a => new ParameterUse(
            Named<string>(a, "ParameterSetName") ?? "", Named<bool>(a, "Mandatory"), NamedOrNull<int>(a, "Position"),
            Named<bool>(a, "ValueFromPipeline"), Named<bool>(a, "ValueFromPipelineByPropertyName"), Named<bool>(a, "ValueFromRemainingArguments"))).ToList();
        var values = Attributes(property, "ValidateSetAttribute").SelectMany(a => Flatten(a.ConstructorArguments)).Select(v => $"{v}").ToList();
        var element = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
        element = element.IsArray ? element.GetElementType()! : element;
        if (element.IsEnum) values = [.. Enum.GetNames(element)];
        return new ParameterModel(
            property.Name, property.PropertyType, comments.OfProperty(property.DeclaringType!, property.Name), ReadAliases(property), Attributes(property, "SupportsWildcardsAttribute").Any(), uses, values);
    }

    private static IEnumerable<ParameterModel> ShouldProcessParameters()
    {
        ParameterUse[] uses = [new("", false, null, false, false, false)];
        yield return new("WhatIf", typeof(SwitchParameter), "Say what would be done, and do nothing.", ["wi"], false, uses, []);
        yield return new("Confirm", typeof(SwitchParameter), "Ask before each change.", ["cf"], false, uses, []);
    }

    private static IEnumerable<CustomAttributeData> Attributes(MemberInfo member, string name)
    {
        for (var type = member as Type; type is not null; type = type.BaseType)
        {
            foreach (var attribute in type.GetCustomAttributesData().Where(a => a.AttributeType.FullName == Automation + name)) yield return attribute;
            if (name == "CmdletAttribute") yield break;
        }
        if (member is PropertyInfo)
        {
            foreach (var attribute in member.GetCustomAttributesData().Where(a => a.AttributeType.FullName == Automation + name)) yield return attribute;
        }
    }

    private static List<string> ReadAliases(MemberInfo member) => [.. Attributes(member, "AliasAttribute").SelectMany(a => Flatten(a.ConstructorArguments)).Select(v => $"{v}")];

    private static IEnumerable<object?> Flatten(IEnumerable<CustomAttributeTypedArgument> arguments) =>
        arguments.SelectMany(a => a.Value is IEnumerable<CustomAttributeTypedArgument> inner ? Flatten(inner) : [a.Value]);

    private static T? Named<T>(CustomAttributeData attribute, string name) => attribute.NamedArguments.FirstOrDefault(a => a.MemberName == name).TypedValue.Value is T value ? value : default;

    private static T? NamedOrNull<T>(CustomAttributeData attribute, string name) where T : struct => attribute.NamedArguments.FirstOrDefault(a => a.MemberName == name).TypedValue.Value is T value ? value : null;
}

/// <summary>Stands for PowerShell's type of the same name, which this program does not load.</summary>
internal readonly struct SwitchParameter;
